class Solution {
    public List<string> NumericalLetterGrade(List<float> grades) {
        float[] above = { 3.7f, 3.3f, 3.0f, 2.7f, 2.3f, 2.0f, 1.7f, 1.3f, 1.0f, 0.7f, 0.0f };
        string[] names = { "A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-" };
        return grades.Select(grade => {
            int i = Array.FindIndex(above, step => grade > step);
            return grade == 4.0f ? "A+" : i >= 0 ? names[i] : "E";
        }).ToList();
    }
}

class Solution {
    public ArrayList<String> numericalLetterGrade(ArrayList<Float> grades) {
        float[] above = {3.7f, 3.3f, 3.0f, 2.7f, 2.3f, 2.0f, 1.7f, 1.3f, 1.0f, 0.7f, 0.0f};
        String[] names = {"A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-"};
        ArrayList<String> letters = new ArrayList<>();
        for (float grade : grades) {
            int i = 0;
            while (i < above.length && grade <= above[i]) i++;
            letters.add(grade == 4.0f ? "A+" : i < above.length ? names[i] : "E");
        }
        return letters;
    }
}

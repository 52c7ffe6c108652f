class Solution {
    public List<int> Intersperse(List<int> numbers, int delimeter) {
        var mixed = new List<int>();
        foreach (int n in numbers) {
            if (mixed.Count > 0) mixed.Add(delimeter);
            mixed.Add(n);
        }
        return mixed;
    }
}

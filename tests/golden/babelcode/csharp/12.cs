class Solution {
    public string Longest(List<string> strings) {
        string best = "";
        foreach (string s in strings) if (s.Length > best.Length) best = s;
        return best;
    }
}

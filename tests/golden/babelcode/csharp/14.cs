class Solution {
    public List<string> AllPrefixes(string string_arg0) {
        return Enumerable.Range(1, string_arg0.Length).Select(n => string_arg0.Substring(0, n)).ToList();
    }
}

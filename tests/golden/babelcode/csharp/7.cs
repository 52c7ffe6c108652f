class Solution {
    public List<string> FilterBySubstring(List<string> strings, string substring) {
        return strings.Where(s => s.Contains(substring)).ToList();
    }
}

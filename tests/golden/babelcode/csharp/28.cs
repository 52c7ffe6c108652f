class Solution {
    public string Concatenate(List<string> strings) {
        return string.Concat(strings);
    }
}

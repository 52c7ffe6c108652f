class Solution {
    public int CountDistinctCharacters(string string_arg0) {
        return string_arg0.ToLower().Distinct().Count();
    }
}

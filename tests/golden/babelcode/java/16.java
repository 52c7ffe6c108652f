class Solution {
    public Integer countDistinctCharacters(String string_arg0) {
        return (int) string_arg0.toLowerCase().chars().distinct().count();
    }
}

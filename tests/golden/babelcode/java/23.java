class Solution {
    public Integer getStringLength(String s) {
        return s.length();
    }
}

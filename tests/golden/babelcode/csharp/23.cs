class Solution {
    public int GetStringLength(string s) {
        return s.Length;
    }
}

class Solution {
    public bool IsPalindrome(string text) {
        return text.SequenceEqual(text.Reverse());
    }
}

class Solution {
    public List<int> EvenOddPalindrome(int n) {
        var counts = new List<int> { 0, 0 };
        for (int i = 1; i <= n; i++) {
            string digits = i.ToString();
            if (digits.SequenceEqual(digits.Reverse())) counts[i % 2]++;
        }
        return counts;
    }
}

class Solution {
    public List<int> EvenOddCount(int num) {
        int even = 0, odd = 0;
        foreach (char digit in Math.Abs(num).ToString()) {
            if (digit % 2 == 0) even++;
            else odd++;
        }
        return new List<int> { even, odd };
    }
}

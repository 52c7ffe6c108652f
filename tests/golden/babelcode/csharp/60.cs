class Solution {
    public int SumToN(int n) {
        return n * (n + 1) / 2;
    }
}

class Solution {
    public int GreatestCommonDivisor(int a, int b) {
        return b == 0 ? a : GreatestCommonDivisor(b, a % b);
    }
}

class Solution {
    public Integer greatestCommonDivisor(Integer a, Integer b) {
        return b == 0 ? a : greatestCommonDivisor(b, a % b);
    }
}

class Solution {
    public Integer sumToN(Integer n) {
        return n * (n + 1) / 2;
    }
}

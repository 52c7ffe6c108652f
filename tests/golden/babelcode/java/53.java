class Solution {
    public Integer add(Integer x, Integer y) {
        return x + y;
    }
}

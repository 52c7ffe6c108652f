class Solution {
    public Float triangleArea(Integer a, Integer h) {
        return a * h / 2.0f;
    }
}

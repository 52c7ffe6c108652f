class Solution {
    public float TruncateNumber(float number) {
        return number - (float)Math.Floor(number);
    }
}

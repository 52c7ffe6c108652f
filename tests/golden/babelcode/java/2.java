class Solution {
    public Float truncateNumber(Float number) {
        return number - (float) Math.floor(number);
    }
}

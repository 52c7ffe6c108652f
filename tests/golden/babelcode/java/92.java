class Solution {
    public Boolean anyInt(Float x, Float y, Float z) {
        for (float number : new float[] {x, y, z}) {
            if (number != Math.floor(number)) return false;
        }
        return x + y == z || x + z == y || y + z == x;
    }
}

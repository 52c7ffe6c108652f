class Solution {
    public bool AnyInt(float x, float y, float z) {
        if (new[] { x, y, z }.Any(number => number != Math.Floor(number))) return false;
        return x + y == z || x + z == y || y + z == x;
    }
}

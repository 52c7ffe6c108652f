bool anyInt(float x, float y, float z) {
    for (float number : {x, y, z})
        if (number != floor(number)) return false;
    return x + y == z || x + z == y || y + z == x;
}

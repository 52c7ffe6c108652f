float triangleArea(int a, int h) {
    return a * h / 2.0f;
}

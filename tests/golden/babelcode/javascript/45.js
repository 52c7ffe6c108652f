function triangleArea(a, h) {
    return a * h / 2;
}

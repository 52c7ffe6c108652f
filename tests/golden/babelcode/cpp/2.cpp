float truncateNumber(float number) {
    return number - floor(number);
}

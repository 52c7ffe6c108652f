function hasCloseElements(numbers, threshold) {
    const sorted = [...numbers].sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) {
        if (sorted[i] - sorted[i - 1] < threshold) {
            return true;
        }
    }
    return false;
}

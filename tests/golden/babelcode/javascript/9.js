function rollingMax(numbers) {
    let largest = -Infinity;
    return numbers.map(number => (largest = Math.max(largest, number)));
}

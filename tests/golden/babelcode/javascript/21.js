function rescaleToUnit(numbers) {
    const low = Math.min(...numbers);
    const high = Math.max(...numbers);
    return numbers.map(number => (number - low) / (high - low));
}

function evenOddCount(num) {
    const counts = [0, 0];
    for (const digit of String(Math.abs(num))) {
        counts[Number(digit) % 2]++;
    }
    return counts;
}

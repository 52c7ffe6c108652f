function intersection(interval1, interval2) {
    const length = Math.min(interval1[1], interval2[1]) - Math.max(interval1[0], interval2[0]);
    if (length < 2) {
        return 'NO';
    }
    for (let divisor = 2; divisor < length; divisor++) {
        if (length % divisor === 0) {
            return 'NO';
        }
    }
    return 'YES';
}

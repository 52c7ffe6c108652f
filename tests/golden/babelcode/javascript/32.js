function findZero(xs) {
    const at = x => xs.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
    let low = -1;
    let high = 1;
    while (at(low) * at(high) > 0) {
        low *= 2;
        high *= 2;
    }
    while (high - low > 1e-10) {
        const middle = (low + high) / 2;
        if (at(low) * at(middle) > 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

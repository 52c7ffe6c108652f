function evenOddPalindrome(n) {
    const counts = [0, 0];
    for (let number = 1; number <= n; number++) {
        const digits = String(number);
        if (digits === [...digits].reverse().join('')) {
            counts[number % 2]++;
        }
    }
    return counts;
}

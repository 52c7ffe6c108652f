function histogram(test) {
    const counts = {};
    let most = 0;
    for (const letter of test.split(' ')) {
        if (letter !== '') {
            counts[letter] = (counts[letter] || 0) + 1;
            most = Math.max(most, counts[letter]);
        }
    }
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count === most));
}

function tri(n) {
    const row = [1, 3];
    for (let i = 2; i <= n; i++) {
        row.push(i % 2 === 0 ? 1 + i / 2 : row[i - 1] + row[i - 2] + (i + 3) / 2);
    }
    return row.slice(0, n + 1);
}

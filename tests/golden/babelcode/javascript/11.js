function stringXor(a, b) {
    let result = '';
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
        result += a[i] === b[i] ? '0' : '1';
    }
    return result;
}

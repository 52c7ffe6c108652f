function intToMiniRoman(number) {
    const signs = [
        [1000, 'm'], [900, 'cm'], [500, 'd'], [400, 'cd'], [100, 'c'], [90, 'xc'], [50, 'l'],
        [40, 'xl'], [10, 'x'], [9, 'ix'], [5, 'v'], [4, 'iv'], [1, 'i'],
    ];
    let result = '';
    for (const [value, sign] of signs) {
        while (number >= value) {
            result += sign;
            number -= value;
        }
    }
    return result;
}

function sumSquares(lst) {
    let sum = 0;
    for (const each of lst) {
        sum += Math.ceil(each) ** 2;
    }
    return sum;
}

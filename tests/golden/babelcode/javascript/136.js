function largestSmallestIntegers(lst) {
    const negative = lst.filter(each => each < 0);
    const positive = lst.filter(each => each > 0);
    return [
        negative.length > 0 ? String(Math.max(...negative)) : '',
        positive.length > 0 ? String(Math.min(...positive)) : '',
    ];
}

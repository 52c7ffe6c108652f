function maxElement(l) {
    let largest = l[0];
    for (const each of l) {
        if (each > largest) {
            largest = each;
        }
    }
    return largest;
}

function getRow(lst, x) {
    const found = [];
    for (let row = 0; row < lst.length; row++) {
        for (let column = lst[row].length - 1; column >= 0; column--) {
            if (lst[row][column] === x) {
                found.push([row, column]);
            }
        }
    }
    return found;
}

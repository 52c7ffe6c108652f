function doubleTheDifference(lst) {
    let sum = 0;
    for (const each of lst) {
        if (each > 0 && each % 2 === 1) {
            sum += each * each;
        }
    }
    return sum;
}

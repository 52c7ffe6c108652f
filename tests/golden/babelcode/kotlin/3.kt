fun belowZero(operations: ArrayList<Int>): Boolean {
    var balance = 0
    for (operation in operations) {
        balance += operation
        if (balance < 0) return true
    }
    return false
}

class Solution {
    public bool BelowZero(List<int> operations) {
        int balance = 0;
        foreach (int operation in operations) {
            balance += operation;
            if (balance < 0) return true;
        }
        return false;
    }
}

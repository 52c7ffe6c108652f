vector<int> evenOddPalindrome(int n) {
    int even = 0, odd = 0;
    for (int i = 1; i <= n; i++) {
        string digits = to_string(i);
        if (digits != string(digits.rbegin(), digits.rend())) continue;
        (i % 2 == 0 ? even : odd)++;
    }
    return {even, odd};
}

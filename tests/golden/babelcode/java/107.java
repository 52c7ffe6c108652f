class Solution {
    public ArrayList<Integer> evenOddPalindrome(Integer n) {
        int even = 0, odd = 0;
        for (int i = 1; i <= n; i++) {
            String digits = Integer.toString(i);
            if (!new StringBuilder(digits).reverse().toString().equals(digits)) continue;
            if (i % 2 == 0) even++;
            else odd++;
        }
        return new ArrayList<>(Arrays.asList(even, odd));
    }
}

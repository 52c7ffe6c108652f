class Solution {
    public String intToMiniRoman(Integer number) {
        int[] values = {1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1};
        String[] symbols = {"m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"};
        StringBuilder roman = new StringBuilder();
        for (int i = 0; i < values.length; i++) {
            for (; number >= values[i]; number -= values[i]) roman.append(symbols[i]);
        }
        return roman.toString();
    }
}

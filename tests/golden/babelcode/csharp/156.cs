class Solution {
    public string IntToMiniRoman(int number) {
        int[] values = { 1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1 };
        string[] symbols = { "m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i" };
        var roman = new StringBuilder();
        for (int i = 0; i < values.Length; i++) {
            for (; number >= values[i]; number -= values[i]) roman.Append(symbols[i]);
        }
        return roman.ToString();
    }
}

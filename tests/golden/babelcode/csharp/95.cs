class Solution {
    public bool CheckDictCase(Dictionary<string, string> dict) {
        if (dict.Count == 0) return false;
        string letters = string.Concat(dict.Keys);
        return letters.All(char.IsLower) || letters.All(char.IsUpper);
    }
}

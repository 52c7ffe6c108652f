class Solution {
    public Boolean checkDictCase(Map<String, String> dict) {
        String letters = String.join("", dict.keySet());
        if (letters.isEmpty()) return false;
        return letters.chars().allMatch(Character::isLowerCase) || letters.chars().allMatch(Character::isUpperCase);
    }
}

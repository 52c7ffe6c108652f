class Solution {
    public ArrayList<Integer> intersperse(ArrayList<Integer> numbers, Integer delimeter) {
        ArrayList<Integer> mixed = new ArrayList<>();
        for (Integer n : numbers) {
            if (!mixed.isEmpty()) mixed.add(delimeter);
            mixed.add(n);
        }
        return mixed;
    }
}

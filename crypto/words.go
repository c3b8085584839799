package crypto

import "strings"

// words spell a byte each in fingerprints: common, concrete English words that
// sound unlike one another on a bad phone line. Their order is part of the format.
var words = [256]string(strings.Fields(`
able acid acorn actor album alley amber anchor angle ankle apple apron arena arrow atlas attic aunt
autumn baker bamboo banana banjo barrel basket beach beard bell bench berry bicycle bird biscuit
blanket blue boat bone book border bottle bowl branch bread bridge broom brush bucket butter button
cabin cactus cake camel candle canoe captain carpet carrot castle cat cave cedar chain chair cheese
cherry chest chicken circle city clock cloud coat coffee coin comb copper coral cotton cousin cow
crab crane crow cup curtain daisy dance deer desert dinner dog dolphin donkey door dragon dress drum
duck eagle earth east egg elbow elephant empty engine evening eye face falcon farm father feather
fence ferry field finger fire fish flag flower flute forest fork fox frog fruit garden garlic gate
ginger giraffe glass glove goat gold goose grape grass green guitar hammer hand harbor hat heart
hill honey hook horse hotel house ice ink iron island jacket jar jelly jewel jungle kettle key king
kitchen kite knife ladder lake lamp leaf lemon letter lion lizard lock lunch magnet map market melon
milk mirror monkey moon morning mother mountain mouse music nail needle nest night north novel nut
oak ocean olive onion orange oven owl paint palace panda paper parrot pearl pencil pepper piano
picnic pillow pilot planet plate pocket pony potato pumpkin purple rabbit radio rain ribbon river
rocket rope saddle salt school shadow sheep silver sister snake spoon star stone sugar table tiger
tower train turtle umbrella valley violin water whale window winter wolf zebra`))
